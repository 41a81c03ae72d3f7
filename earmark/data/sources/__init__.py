"""Where clips and labels come from: one class a layout, and a detection of the layout that lies in a folder.

from earmark.data.sources.detection import detect
manifest = detect("fsdmini").read("fsdmini")
"""
