"""The tables of a run file. docs/run-file.md says the same for people, and a test holds the two together."""

VERSION = 5
APPLICATION = 0x52454C59  # "RELY", in SQLite's application_id
PAGE = 16384  # bytes; a row is at most an eighth of it, so that what is left at a page's end is little

TABLES = """
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL                -- JSON
) WITHOUT ROWID;
CREATE TABLE name (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
);
CREATE TABLE problem (
    id INTEGER PRIMARY KEY,            -- its place in the run, from 0
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    hash TEXT NOT NULL,
    extra TEXT                         -- JSON
);
CREATE TABLE cell (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    settings TEXT NOT NULL             -- JSON: the value of each swept name, and `without`
);
CREATE TABLE head (
    problem INTEGER NOT NULL,
    model INTEGER NOT NULL,            -- name
    ids BLOB NOT NULL,                 -- int32, little-endian
    text TEXT NOT NULL,
    thinking TEXT NOT NULL,            -- who opened it: template, relay, none
    PRIMARY KEY (problem, model)
) WITHOUT ROWID;
CREATE TABLE solo (
    id INTEGER PRIMARY KEY,
    problem TEXT NOT NULL,             -- problem.key; a distractor's problem need not be one of the run's
    answer TEXT NOT NULL,              -- that problem's reference answer
    model INTEGER NOT NULL,            -- name
    sample INTEGER NOT NULL,
    address TEXT NOT NULL,             -- what made it, hashed: its place in the pool
    text TEXT NOT NULL,
    ids BLOB NOT NULL,
    tokenizer INTEGER NOT NULL,        -- name
    thought INTEGER NOT NULL,          -- characters of text before the closing of the thinking
    outcome TEXT NOT NULL,
    UNIQUE (problem, model, sample, address)
);
CREATE TABLE solved (
    problem TEXT NOT NULL,             -- problem.key, of every problem that was sampled
    model INTEGER NOT NULL,            -- name
    solved INTEGER NOT NULL,
    sampled INTEGER NOT NULL,
    PRIMARY KEY (problem, model)
) WITHOUT ROWID;
CREATE TABLE unit (
    problem INTEGER NOT NULL,
    sample INTEGER NOT NULL,
    cell INTEGER NOT NULL,
    node INTEGER NOT NULL,             -- name
    solo INTEGER NOT NULL,
    PRIMARY KEY (problem, sample, cell, node)
) WITHOUT ROWID;
CREATE TABLE rollout (
    id INTEGER PRIMARY KEY,            -- (sample * problems + problem) * cells + cell
    problem INTEGER NOT NULL,
    sample INTEGER NOT NULL,
    cell INTEGER NOT NULL,
    stop INTEGER,                      -- name; null while it is open
    why TEXT
);
CREATE INDEX rollout_stop ON rollout (stop);
CREATE TABLE step (
    id INTEGER PRIMARY KEY,            -- the order in which hops were written; nothing else follows from it
    rollout INTEGER NOT NULL,
    pen INTEGER NOT NULL,              -- name: the pen's path
    n INTEGER NOT NULL,                -- number along the pen's own path
    node INTEGER NOT NULL,             -- name
    visit INTEGER NOT NULL,
    goes INTEGER NOT NULL,             -- name of the node or end that the taken edge leads to
    model INTEGER,                     -- name; null when the hop left no segment
    tokenizer INTEGER,                 -- name
    stop INTEGER,                      -- name: why the segment ended
    matched TEXT,                      -- the text that ended it
    closed INTEGER,                    -- characters up to and with the closing of the thinking
    turn_ended INTEGER,
    computed INTEGER,
    cached INTEGER,
    decoded INTEGER,
    thrown INTEGER,
    ms INTEGER,
    recoded INTEGER,                   -- prompt tokens that were another tokenizer's text
    rest INTEGER,                      -- name: why the pen came to rest
    why TEXT,
    branches INTEGER,
    starts INTEGER,                    -- name
    source INTEGER,                    -- name: "problem/sample" of the pool
    text TEXT,                         -- null too when it lies in parts
    ids BLOB                           -- int32, little-endian, in the author's tokenizer
);
CREATE INDEX step_rollout ON step (rollout);
CREATE TABLE part (
    id INTEGER PRIMARY KEY,            -- 256 * step.id + its place among the step's parts
    text TEXT NOT NULL,
    ids BLOB NOT NULL
);
CREATE TABLE extra (
    id INTEGER PRIMARY KEY,            -- step.id: what few steps have besides
    label INTEGER,                     -- name: what a judge said
    score REAL,                        -- and how much that is
    apart INTEGER,                     -- name: why the segment is no part of the thought: private, discarded
    drops INTEGER,                     -- name: the thought is cut before this node's last segment
    chosen INTEGER,                    -- name: the pen that a pick went on from
    over INTEGER,                      -- name: models dealt out to the pens that start here, with spaces between
    beside INTEGER,                    -- of its ms, those that ran while a judge was asked
    entropy REAL                       -- nats: how unsure its author was of the segment's first id
);
CREATE VIEW hop AS SELECT              -- a step with the whole of its segment
    id, rollout, pen, n, node, visit, goes, model,
    CASE WHEN model IS NULL OR text IS NOT NULL THEN text ELSE (
        SELECT group_concat(text, '') FROM (
            SELECT text FROM part WHERE part.id BETWEEN 256 * step.id AND 256 * step.id + 255 ORDER BY part.id
        )
    ) END AS text,
    CASE WHEN model IS NULL OR ids IS NOT NULL THEN ids ELSE (
        SELECT CAST(group_concat(ids, '') AS BLOB) FROM (
            SELECT ids FROM part WHERE part.id BETWEEN 256 * step.id AND 256 * step.id + 255 ORDER BY part.id
        )
    ) END AS ids,
    tokenizer, stop, matched, closed, turn_ended, computed, cached, decoded, thrown, ms, recoded, rest, why, branches,
    starts, source, label, score, apart, drops, chosen, over, beside,
    entropy
FROM step LEFT JOIN extra USING (id);
CREATE TABLE verdict (
    rollout INTEGER NOT NULL,
    verifier INTEGER NOT NULL,         -- name
    outcome INTEGER NOT NULL,          -- name: correct, wrong, undecided
    answer TEXT,
    why TEXT,
    ms INTEGER,
    PRIMARY KEY (rollout, verifier)
) WITHOUT ROWID;
CREATE TABLE judgement (
    rollout INTEGER NOT NULL,
    verifier INTEGER NOT NULL,         -- name: as in its verdict
    model INTEGER NOT NULL,            -- name
    text TEXT NOT NULL,
    computed INTEGER,
    cached INTEGER,
    decoded INTEGER,
    thrown INTEGER,
    PRIMARY KEY (rollout, verifier)
) WITHOUT ROWID;
CREATE TABLE live (
    rollout INTEGER NOT NULL,
    pen TEXT NOT NULL,
    node TEXT NOT NULL,
    visit INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    tail TEXT NOT NULL,                -- the last 2,000 characters of the open segment
    PRIMARY KEY (rollout, pen)
) WITHOUT ROWID;
CREATE TABLE requests (
    id INTEGER PRIMARY KEY,
    act TEXT NOT NULL,                 -- pause, go, insert, edit, veto, edge, fork, answer, look
    rollout INTEGER,                   -- null: the whole run (pause, go, look)
    pen TEXT,                          -- null: pen 0
    data TEXT,                         -- JSON
    who TEXT,                          -- the login name of whoever asked
    asked REAL,                        -- when, in seconds since 1970
    taken REAL,                        -- when the runner did or refused it; null: it waits
    refused TEXT                       -- why it was not done
);
CREATE TABLE fork (
    rollout INTEGER PRIMARY KEY,       -- whose `cell` is -1: a fork is in no figure of its cell
    of INTEGER NOT NULL,               -- the rollout whose beginning it shares
    upto INTEGER NOT NULL,             -- step.id: the last of that rollout's steps that it shares; 0: none
    cell INTEGER NOT NULL,             -- the cell that both are of
    request INTEGER NOT NULL           -- requests.id: who asked for it, and when
);
CREATE TABLE lease (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    boot TEXT NOT NULL,                -- which start of which machine
    pid INTEGER NOT NULL,
    started TEXT NOT NULL,             -- when that process started, so that a reused pid is told apart
    beat REAL NOT NULL                 -- seconds since the epoch
);
"""
JUDGED, FORKED, TAKING_PART = 2, 4, 5  # the first schemas with judgements, with extras, and with what people did
JUDGEMENT = TABLES[TABLES.index("CREATE TABLE judgement") : TABLES.index("CREATE TABLE live")]  # what schema 1 lacked
ASKED = TABLES[TABLES.index("CREATE TABLE requests") : TABLES.index("CREATE TABLE lease")]  # what schema 4 lacked
EXTRA = TABLES[TABLES.index("CREATE TABLE extra") : TABLES.index("CREATE VIEW hop")]
HOP = TABLES[TABLES.index("CREATE VIEW hop") : TABLES.index("CREATE TABLE verdict")]

RECORDING = """
CREATE TABLE call (
    id INTEGER PRIMARY KEY,            -- 256 * step.id + its place among the calls of the step
    model INTEGER NOT NULL,            -- name
    prompt INTEGER NOT NULL,           -- a hash of the prompt's ids
    same INTEGER,                      -- how many of the ids are the first of the step's; null: all of the step's
    ids BLOB,                          -- those after them, int32, little-endian
    deltas BLOB,                       -- their lengths, run by run; null: one delta held all
    logprobs BLOB,                     -- float64, little-endian; null where nobody asked
    computed INTEGER,                  -- these four: null where the step says the same
    cached INTEGER,
    decoded INTEGER,                   -- null where all ids were counted
    ms INTEGER,
    failed TEXT,                       -- what the engine failed with; empty: its caller left it
    checksum INTEGER NOT NULL          -- of all this: CRC-32
);
CREATE TABLE aside (
    id INTEGER PRIMARY KEY,
    problem INTEGER NOT NULL,          -- name: the problem's key
    sample INTEGER NOT NULL,
    cell INTEGER NOT NULL,             -- name
    node INTEGER NOT NULL,             -- name: "(pool)", "(judge)"
    visit INTEGER NOT NULL,
    pen INTEGER NOT NULL,              -- name
    asked BLOB NOT NULL,               -- the prompt's ids, int32, little-endian, deflated (zlib)
    model INTEGER NOT NULL,            -- from here on as in `call`
    prompt INTEGER NOT NULL,
    ids BLOB,
    deltas BLOB,
    logprobs BLOB,
    computed INTEGER,
    cached INTEGER,
    decoded INTEGER,
    ms INTEGER,
    failed TEXT,
    checksum INTEGER NOT NULL
);
CREATE INDEX aside_purpose ON aside (problem, sample, node);
CREATE TABLE tokenizer (
    fingerprint TEXT PRIMARY KEY,
    json BLOB NOT NULL                 -- its tokenizer.json, deflated (zlib)
);
"""  # what a recorded run has beside TABLES; other runs do not pay for it

DISTANCE = """
CREATE TABLE distance (
    hop INTEGER PRIMARY KEY,           -- step.id of the steer
    reader INTEGER NOT NULL,           -- name: the model that went on from it
    tokens INTEGER NOT NULL,           -- of the steer, in the reader's own ids
    logprob REAL,                      -- natural, of all of them together; null where it could not be had
    computed INTEGER NOT NULL,         -- tokens that were read for it: all that came before, and the steer
    ms INTEGER NOT NULL,
    why TEXT                           -- why it could not be had
);
"""  # what a run has beside TABLES once its steers were measured

CHANCE = """
CREATE TABLE chance (
    rollout INTEGER NOT NULL,
    place INTEGER NOT NULL,            -- segments of its final thought before here
    model INTEGER NOT NULL,            -- name: the model that went on alone from here
    hop INTEGER NOT NULL,              -- step.id of the segment that stands here
    last INTEGER NOT NULL,             -- whether no segment follows that one
    drawn INTEGER NOT NULL,            -- continuations
    tried INTEGER NOT NULL,            -- of them, those that have a verdict
    solved INTEGER NOT NULL,           -- of these, those that are right
    computed INTEGER NOT NULL,
    cached INTEGER NOT NULL,
    decoded INTEGER NOT NULL,
    thrown INTEGER NOT NULL,
    ms INTEGER NOT NULL,
    PRIMARY KEY (model, rollout, place)
) WITHOUT ROWID;
"""  # what a run has beside TABLES once its segments were given credit
