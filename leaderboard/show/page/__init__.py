"""The board as one page of HTML: its data, a row's story, the sections, and how it is written."""
