"""What came back: found in archives and folders, matched with the roster, stored for grading."""
