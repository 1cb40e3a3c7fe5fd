"""HTTP. One file a noun; wire types stand apart in `wire/`, rules in the rooms they call."""
