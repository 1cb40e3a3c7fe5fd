"""From a file of somebody's feedback to requests: read, map, check, send, keep what was refused.

rows.py and csv_rows.py read, columns.py maps, items.py checks, batches.py cuts, sender.py sends,
rejections.py keeps. A row that cannot be used never stops the others.
"""
