"""§3.3 "Reconstruction via hybrid GAN inversion": refines a first guess to a fit, step by step."""
