"""The evaluation of objects that wear their photo's own detail, always beside the volume rendering of the same fit."""
