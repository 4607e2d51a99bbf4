"""§3.3 "Reconstruction via hybrid GAN inversion": a first guess to a fit, step by step."""
