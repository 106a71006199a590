"""Embeddings of real sentences by MiniLM: how near 4-bit weights come to f32."""

import numpy as np

SENTENCES = """
The train leaves at seven.
It rained all night, and in the morning the river stood at the second step.
She peeled the apples, cut them into thin slices and laid them on the dough.
Our boiler has been making a knocking noise since the engineer was here on Monday.
Interest rates stayed where they were, which surprised nobody on the trading floor.
Is there a pharmacy near the station that is open on Sundays?
The committee postponed its decision on the new library until the autumn, when the \
costs of the roof, the heating and the two lifts should be known.
Whales sleep with one half of the brain at a time.
A binary search needs a sorted list and looks at one element for each halving.
He scored twice in the last five minutes and was carried off the pitch.
Please send the signed contract back to us by the end of the month.
The medicine should be taken with food, twice a day, for no longer than a week; \
if the fever has not gone down by then, see a doctor.
Granite cools slowly, deep below the ground, and so its crystals grow large.
My grandmother kept her letters in a biscuit tin under the bed.
The new phone has a better camera but the battery is worse.
How do I reset the password of an account whose address I no longer use?
Bees dance to tell each other where flowers are.
The museum shows ninety drawings, most of which have never left the family's house.
Water boils at a lower temperature on a mountain.
The court found that the landlord had given no proper notice.
We walked along the ridge until the fog came up from the valley, and then we sat \
down behind a wall, ate what was left of the bread and waited for an hour.
Two eggs, a cup of flour and a pinch of salt.
The satellite sends a picture of the whole continent every fifteen minutes.
I cannot hear you, the line is very bad.
Unemployment fell for the third quarter in a row, but wages rose less than prices.
The orchestra tuned, the lights went down, and somebody began to cough.
A mutex that is held while waiting for another one is how deadlocks begin.
This hotel was clean and quiet, and the breakfast was more than we could eat.
Old maps put the monastery on the wrong side of the stream.
The goalkeeper has signed for three more years.
Vaccines teach the body to know a disease before it meets it.
Turn left after the bridge, and it is the third house on the right.
Glass is neither quite a liquid nor quite a solid, though the story about thick \
panes in old windows is not true.
Her second novel is shorter, funnier and much sadder than the first.
The factory will close in spring, and four hundred people will lose their work.
Why do cats bring dead mice into the house?
""".strip().split("\n")


def tokens():
    """The model's inputs for all sentences, each of them alone."""
    import make_minilm
    from tokenizers import Tokenizer

    path = make_minilm.package_folder() / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    for sentence in SENTENCES:
        ids = np.array([tokenizer.encode(sentence).ids], np.int64)
        yield {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def embeddings(session):
    """[sentences, columns]: the mean over a sentence's tokens, normalized, as the
    model itself computes it. One sentence at a time, so that a sentence's
    neighbours do not matter."""
    rows = [session.run(None, feeds)[0][0] for feeds in tokens()]
    rows = np.array(rows, np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def cosines(sessions, exact):
    """{kind: {"least", "mean"}}: cosines to the embeddings of session `exact`;
    and of different sentences' embeddings in f32, on average, for comparison."""
    wanted = embeddings(exact)
    found = {}
    for kind, session in sessions.items():
        each = np.sum(embeddings(session) * wanted, axis=1)
        found[kind] = {"least": float(each.min()), "mean": float(each.mean())}
    count = len(wanted)
    others = (np.sum(wanted @ wanted.T) - count) / (count * (count - 1))
    return {"sentences": count, "other_sentences": float(others), "cosine": found}
