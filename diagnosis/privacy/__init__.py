"""De-identification: DICOM objects, notes, transcripts and whole case folders, without what tells who it is."""
