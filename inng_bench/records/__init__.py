"""Records: the truth of every result, one JSON file a run; tables and pictures are views over them."""
