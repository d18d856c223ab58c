"""Who is calling, and what people do with their own identity."""
