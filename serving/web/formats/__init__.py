"""In which form an answer is asked for and sent: language, fields, packing, media type."""
