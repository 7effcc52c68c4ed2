"""The gate's report in each format, one file a format; a record's texts are escaped in each."""
