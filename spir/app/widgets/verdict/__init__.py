"""The verdict on a fit."""
