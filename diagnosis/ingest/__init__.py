"""Files to records: DICOM, NIfTI, notes, recordings, case folders and manifests become a `Case`.

====================  =======================================================================================
`case_folder`         `read_case` a case folder, `assemble_case` loose parts: a `Case` and its `StudyIdentity`
`case_archive`        a case folder that was zipped, made a case folder again
`manifest`            `read_manifest` a table of cases, checked whole; `read_manifest_case` loads one row
`manifest_table`      its cells, from CSV of any country's spreadsheets or from Parquet
`dicom_volume`        `inspect_path` every series with its verdict, `read_volume` the one the rule chooses
`geometry_gate`       which image planes form a volume, which do not, and what to do (tolerances are stated there)
`series_choice`       the rule by which one series is chosen, with a reason for each of the others
`dicom_series`        files grouped into series; what is no CT, mixed or incomplete
`rescale`             whether what the headers say of the values makes HU of them
`copies`              the same image under two names: read once, and said
`series_index`        where in a tree of folders the files of a series lie, by its UID
`lesion_boxes`        boxes that readers drew around lesions, slice by slice, as regions in the patient
`dicom_header`        one file as the gate sees it; `dicom_elements` the raw elements below it
`source_headers`      what results in DICOM must repeat of the headers of their source
`dicom_pixels`        stored pixels to HU; `pixel_layout` and `codestream` what is refused before decoding
`tilt_repair`         the one repair there is: a tilted, otherwise regular series, only when asked
`nifti`               NIfTI (RAS, i j k) to a `Volume` (LPS, slice row column)
`file_tree`           which files a path stands for; `archive`, `dicomdir` two kinds of paths
`passed_over`         links and inner archives, which are said and not looked into
`other_formats`       what to do about a path that holds no DICOM
`limits`              what is refused before it costs memory or time
`notes`               .txt, .pdf, .json to a `ClinicalNote`; `note_sections` finds its sections
`page_columns`        two columns of a PDF's page, read one after the other
`audio`               wav, flac, mp3, m4a, ogg, webm to mono 16 kHz
`transcription`       speech to timed words, silence to none; `spoken_punctuation` understands "full stop"
`speech_models`       which Whisper is used: base where its packages are installed, tiny.en else, or a folder's
`misheard_terms`      terms that the recognizer is known to mishear, put right where nothing else can be meant
`transcript_safety`   words that change the meaning and were not heard well; speech without words, clipped sound
====================  =======================================================================================

What comes in is not trusted: it may be damaged, lying or hostile. What goes out is a record whose constructor has
checked it, or an error from `diagnosis.errors` whose sentence says what is wrong and what to do, without a word of the
patient's. Nothing is repaired, dropped or guessed in silence: a refused series is named with its reason, a repair is
asked for and recorded in the volume's history, evidence that cannot be read stops the case. No pickle, no code and no
network on any path.

Fuzzed by `python tests/fuzz/fuzz_run.py --inputs 100000 --first 13000000`: 100,002 damaged or hostile inputs of 26
kinds (DICOM as series, as file and through de-identification, zip archives and uploads with bombs, links and names
that leave the folder, NIfTI, notes, PDF, recordings, case.json, manifests, tables of regions, pacs.yaml, the files of
a bundle). No error that is not ours, no hang; the slowest took 4.8 s of processor time, the largest 3.3 GB (a NIfTI
file whose header promises a volume within the limits). What runs before it found (a zip member without a name, a
header larger than memory, a small deflated file of millions of empty elements) is refused since.

Why a gate and not a warning: readers in wide use stack whatever lies in a folder, so a missing slice stretches the
patient, a localizer becomes a slice and two series become one. A network answers such a volume with full confidence.
"""
