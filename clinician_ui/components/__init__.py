"""Parts of a page. They draw records; they read no files and know no engine."""
