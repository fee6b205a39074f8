"""What one logged-in connection does: commands in, replies and untagged changes out."""
