"""Short texts written for this room: clinical ones of many kinds, and texts of every other kind."""

import random
import string

CLINICAL = (
    "The heart size is normal. The lungs are clear. No pleural effusion or pneumothorax.",
    "No acute cardiopulmonary abnormality.",
    "Indication: chest pain. Comparison: none. Findings: cardiomediastinal silhouette within normal limits.",
    "Calcified granuloma in the left upper lobe. Degenerative changes of the thoracic spine.",
    "Low lung volumes with bibasilar atelectasis. Stable cardiomegaly.",
    "Status post sternotomy. Tip of the central line in the superior vena cava.",
    "45-year-old woman with fever and cough. Rule out pneumonia.",
    "67 y/o male smoker presents with hemoptysis and weight loss for three months.",
    "Patient presents to the emergency department with acute abdominal pain and vomiting.",
    "History of breast cancer, now with headache and left-sided weakness.",
    "Physical exam: afebrile, blood pressure 130/80, lungs clear to auscultation, abdomen soft and non-tender.",
    "Past medical history: hypertension, diabetes mellitus type 2, COPD. Medications: metformin, lisinopril.",
    "Knee pain after a fall while playing soccer; swelling and limited range of motion.",
    "MRI of the brain shows an enhancing mass in the frontal lobe with surrounding edema.",
    "CT abdomen: hypodense lesion in the liver, gallstones, no hydronephrosis.",
    "Ultrasound shows a cystic adnexal mass. The uterus is normal.",
    "Fracture of the distal radius with dorsal angulation.",
    "Infant with respiratory distress and an abdominal mass since birth.",
    "Preoperative evaluation. Shortness of breath on exertion.",
    "Adenocarcinoma of the lung, T2 N1. Biopsy scheduled.",
    "Follow-up of pulmonary nodule, stable for two years.",
    "Positive tuberculosis skin test, asymptomatic.",
    "Recommend PET-CT or tissue sampling. Discussed with the referring physician.",
    "WBC 12.4, hemoglobin 10.1, creatinine 1.2. Urinalysis with hematuria.",
    "No evidence of pulmonary embolism. Small hiatal hernia.",
    "22 year old male active duty, testicular swelling without trauma.",
    "Hyperexpanded lungs with flattened diaphragms, compatible with emphysema.",
    "Patient denies chest pain, fever or chills. Family history of lung cancer.",
    "Decreased vision and proptosis of the right eye.",
    "Lytic lesion of the proximal femur with cortical destruction.",
)
OTHER = (
    "To be, or not to be, that is the question.",
    "Shall I compare thee to a summer's day? Thou art more lovely and more temperate.",
    "Call me Ishmael. Some years ago, having little money in my purse, I thought I would sail about a little.",
    "It was the best of times, it was the worst of times.",
    "But soft! What light through yonder window breaks? It is the east, and Juliet is the sun.",
    "Once upon a time there lived a king who had three daughters and a dragon.",
    "Preheat the oven to 180 degrees. Beat the eggs with sugar, add flour and bake for 30 minutes.",
    "Chop two onions and fry them in olive oil until golden; add tomatoes, garlic and basil.",
    "def main():\n    for i in range(10):\n        print(i)\n    return 0",
    "public class Node { private int value; public int getValue() { return value; } }",
    "SELECT name, price FROM products WHERE price > 10 ORDER BY name;",
    "import numpy as np\nx = np.zeros((3, 4))\nassert x.shape == (3, 4)",
    '{"name": "widget", "version": "1.0", "dependencies": {"left": "^2.0"}}',
    "<html><body><h1>Welcome</h1><p>Click here</p></body></html>",
    "The football match ended two to one after extra time.",
    "Shares fell three percent after the company reported weak quarterly earnings.",
    "The government announced a new tax on imported cars on Monday.",
    "Dear Sir, please find attached the invoice for last month. Kind regards.",
    "Hi Anna, are we still meeting for lunch tomorrow at noon?",
    "The tenant shall pay the rent on the first day of each month under this agreement.",
    "The train to the city leaves at nine from platform four.",
    "Add the screws to the frame and tighten them with the supplied key.",
    "The galaxy is two million light years away and contains a trillion stars.",
    "Tonight will be cloudy with light rain; tomorrow sunny with a gentle breeze.",
    "Buy one, get one free! Visit our store this weekend for great offers.",
    "The guitar solo on this album is brilliant, but the drums are too loud.",
    "Our hotel room had a view of the beach and the breakfast was excellent.",
    "The theorem states that every bounded sequence of real numbers has a convergent subsequence.",
    "Der Hund lief schnell durch den Wald und bellte laut.",
    "Es war einmal ein Mädchen, das lebte am Rande eines Waldes.",
    "Le chat dort sur la table pendant que nous mangeons.",
    "El perro corre por la calle y los niños juegan en el parque.",
    "La casa è grande e il giardino è pieno di fiori.",
    "Кошка спит на окне, а на улице идёт снег.",  # noqa: RUF001
    "今天天气很好，我们去公园散步。",  # noqa: RUF001
    "昨日は友達と映画を見に行きました。",
    "ذهبت إلى السوق واشتريت الخبز والحليب.",
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit.",
    "one two three testing testing hello hello",
    "thank you for watching please subscribe to the channel",
    "hello", "yes", "ok", ".", "...", "test", "n/a", "12345", "asdf", "foo bar",
)  # fmt: skip


def random_characters(n_texts: int = 30) -> list[str]:
    """Texts of random characters, the same each time."""
    rng = random.Random(7)  # noqa: S311 - not a secret
    letters = string.ascii_lowercase + " "
    alphabets = (letters, string.ascii_letters + string.digits + "  ", string.printable.strip())
    return ["".join(rng.choices(rng.choice(alphabets), k=rng.randint(8, 120))) for _ in range(n_texts)]
