"""How tables, numbers and emphasis are written: for a terminal, in Markdown and in LaTeX."""
