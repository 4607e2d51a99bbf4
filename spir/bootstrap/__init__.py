"""§3.2 "Bootstrapping and pose estimation": from a cut-out to a first guess of shape, colour and pose."""
