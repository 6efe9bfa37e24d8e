"""Records: the truth of every result, one JSON file a run; tables, pictures and the gate are views over them."""
