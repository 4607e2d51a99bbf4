"""How close pictures, rotations and sets of pictures come to the truth (section 4, "Evaluation metrics")."""
