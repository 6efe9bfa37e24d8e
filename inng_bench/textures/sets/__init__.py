"""Sets of pictures: each picture is one sample of what is learnt."""
