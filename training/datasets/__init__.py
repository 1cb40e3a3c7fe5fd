"""Where labelled texts come from, brought to one form."""
