"""How near pictures, rotations and crowds of pictures come to the truth (section 4, "Evaluation metrics")."""
