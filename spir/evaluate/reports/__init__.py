"""Results as tables and contact sheets."""
