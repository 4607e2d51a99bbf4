"""§3.1 "renderings": fields and cameras to pictures. Networks are strangers here; only `Field` is known."""
