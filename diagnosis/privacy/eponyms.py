"""Names in medicine that identify nobody: signs, diseases, scores, devices, drugs and their makers, and anatomy."""

_SIGNS = (
    "hodgkin kerley schmorl swan ganz dobhoff hampton virchow crohn hashimoto sylvian willis doppler valsalva "
    "fleischner hounsfield gleason bosniak cushing addison graves paget ewing wilms kaposi castleman barrett "
    "zenker meckel chiari dandy galen monro luschka magendie rathke eustachian fallopian bartholin cowper brunner "
    "peyer langerhans kupffer schwann ranvier purkinje colles salter lisfranc bankart monteggia galeazzi segond "
    "pott maisonneuve charcot tooth huntington parkinson alzheimer pick lewy wernicke korsakoff guillain barre "
    "ramsay horner pancoast tietze boerhaave mallory weiss budd mirizzi caroli gerota zuckerkandl bowman conn "
    "sheehan klinefelter marfan ehlers danlos takayasu kawasaki wegener goodpasture sjogren reiter behcet still "
    "felty caplan kartagener swyer macleod luftsichel westermark fleischer chilaiditi bochdalek morgagni "
    "spigelian hesselbach foley hickman broviac groshong harrington orif kirschner steinmann miralax gadolinium "
    "omnipaque isovue lovenox coumadin lasix tylenol plavix lipitor zofran lachman "
    "carina deauville lugano fazekas aspects ecog karnofsky agatston medoc seldinger trendelenburg "
    "augmentin zosyn rocephin keytruda opdivo tagrisso imfinzi avastin taxol heparin ventolin spiriva symbicort "
    "siemens philips toshiba canon somatom revolution brilliance aquilion naeotom omnipaque ultravist visipaque"
)
EPONYMS = frozenset(_SIGNS.split())
