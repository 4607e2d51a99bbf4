"""§3.1 "renderings": fields and cameras to pictures. Nothing here depends on the networks; only `Field` is known."""
