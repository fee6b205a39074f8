"""Programs in processes of their own change a Maildir without pause while sessions use it."""
