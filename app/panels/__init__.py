"""Parts of pages that several pages draw, or that are too large for one view."""
