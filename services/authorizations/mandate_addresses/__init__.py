"""The address of each side of a mandate: given, judged, and asked for anew where it is not one person's alone."""
