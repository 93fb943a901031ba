"""One module per page; each has a `render()` that draws it."""
