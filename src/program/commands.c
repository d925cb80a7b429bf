/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command table. A command is one row here (or in command/explorer.c) and one function; help,
 * completion, the prompt, scripts and the shell's verbs follow from the row.
 */
#include "program/errand.h"
#include "program/verbs.h"
#include "program/verbs/look.h"
#include "program/verbs/states.h"

#define CASE "SOURCE TARGET --images DIR|LIST [OPTION]..."

#define FILTERS                                                                                                        \
    "Rows are chosen by COLUMN=VALUE (also != < <= > >=, and ~ for \"holds\"; op=Conv,Gemm: one of several;\n"         \
    "node=*pool*: a pattern), by a column that is yes or no, by a row's number, or by a text that they hold;\n"        \
    "all of these hold, but for `or` and `not` between them. Ordered and cut by: by COLUMN [up | down] top N;\n"       \
    "columns by: show COLUMN,... `help views` lists the columns."

/* Sorted by name. */
const ff_command ff_commands[] = {
    {"accept", "[REPAIR]... [--force]", "take a repair (the next one; --force: even if it does not help)",
     "REPAIR is an id or its number in `proposals`. It is judged first when it was not: a repair is taken\n"
     "when fewer labels are wrong afterwards. Several, and a group of one cause, are one step: undo takes\n"
     "them back together, `split` takes them apart.",
     "a", FF_AT_PROMPT, 0, -1, prompt_accept, NULL},
    {"answer", "WORDS...", "answer the question of the lesson, as: answer WB in L3",
     "A fault type (PP ID TSS WB LH CG or its name) and, where a layer is asked for, its number or name:\n"
     "L3, block1.depthwise, /small/block1.depthwise/Conv2D.",
     NULL, FF_AT_PROMPT, 0, -1, prompt_answer, NULL},
    {"apply", "PATCH MODEL -o OUT", "replay an exported repair on the model it was made for", NULL, NULL,
     FF_AT_SHELL | FF_AT_PROMPT, 0, -1, prompt_errand, verb_apply, .at_prompt = "PATCH MODEL -o OUT"},
    {"assert", "CONDITION", "end a script with exit code 1 unless the condition holds",
     "In SQL, of the numbers wrong, initial, images, faults and open (faults not repaired) and of the views.\n"
     "As: assert wrong <= images / 100. As: assert not exists (select * from findings where type = 'PP')",
     NULL, FF_AT_PROMPT | FF_TAKES_TEXT | FF_LOOKS, 1, 1, prompt_assert, NULL},
    {"bench", "MODEL | " CASE, "milliseconds per image, or where the time of a repair goes", NULL, NULL,
     FF_AT_SHELL | FF_AT_PROMPT, 0, -1, prompt_errand, verb_bench, .at_prompt = "[MODEL] [OPTION]..."},
    {"bisect", "", "where the models part now: the first node along the network that makes a difference",
     "Found by halving: about log2 of the number of layers runs of each model, on an image whose labels differ.", "b",
     FF_AT_PROMPT, 0, 0, prompt_job, NULL},
    {"bind", "[KEY COMMAND]", "let a key of the explorer stand for a command; alone: list the keys",
     "As: bind M-r redo. KEY is a sign, C- or M- and a sign, F1 to F12, Enter, Tab, PgDn, ...", NULL,
     FF_AT_PROMPT | FF_AT_ONCE, 0, -1, ff_prompt_bind, NULL},
    {"borrow", "SOURCE TARGET SIBLING LAYER... --images DIR|LIST [-o OUT]",
     "take layers of the Target from another conversion of the same Source",
     "LAYER is a node of the Target by its name or whole pieces of it, or a block. Its weights and settings become\n"
     "the SIBLING's (SIBLING@SPEC: one with a preprocessing of its own), and the wrong labels are counted. -o writes\n"
     "the model, --patch the edits for `fetafix apply`. Exit code 0: no label differs any more; 1: some do.",
     NULL, FF_AT_SHELL | FF_AT_PROMPT, 0, -1, prompt_errand, verb_borrow,
     .at_prompt = "SOURCE TARGET SIBLING LAYER... [OPTION]..."},
    {"cancel", "", "cancel the job that runs; again: everything that waits", NULL, "C-c", FF_AT_PROMPT | FF_AT_ONCE, 0,
     0, prompt_cancel, NULL},
    {"color", "[ELEMENT COLOR [bold] [underline] [reverse]]", "choose a colour of the explorer; alone: list them",
     "COLOR is a name (red, bright-blue, default), a number of 256, or red, green and blue in hexadecimal. As: color bad ff5f00 bold",
     NULL, FF_AT_PROMPT | FF_AT_ONCE, 0, 5, ff_prompt_color, NULL, .also = "colour"},
    {"compare", "SOURCE TARGET... --images DIR|LIST [OPTION]...",
     "count the images whose labels differ, without analysis; several Targets are ranked",
     "Exit code 0: no label differs; 1: some do. --verbose lists them for one Target. Several are ranked, the best first,\n"
     "with the converters that made them; TARGET@SPEC is a Target with a preprocessing of its own.",
     NULL, FF_AT_SHELL | FF_AT_PROMPT | FF_AT_TEAM, 0, -1, prompt_errand, verb_compare,
     .at_prompt = "[MODEL MODEL...] [OPTION]..."},
    {"compare-states", "STATE STATE", "two states side by side: counts, labels that changed, edits of one alone", NULL,
     NULL, FF_AT_PROMPT, 2, 2, prompt_compare_states, NULL},
    {"convert", "MODEL -o OUT.onnx", "a model of another format as ONNX, as it was read",
     "MODEL may be a .tflite, .h5 or .keras file. What the program computes of it is what the ONNX file computes.", NULL,
     FF_AT_SHELL, 0, -1, NULL, verb_convert},
    {"detail", "NODE | layer NUMBER", "attributes, origins and weights of a row of the aligned graph",
     "NODE is a name or a part of it that only one row has, or the number of a row.", NULL, FF_AT_PROMPT | FF_LOOKS, 1,
     2, prompt_look, NULL},
    {"diff", "NODE | layer NUMBER [NAME]...", "attributes of both sides; without names what differs, weights too",
     "NAME is an attribute, or weight, bias, ... As: diff model/conv2d_5 pads", NULL, FF_AT_PROMPT | FF_LOOKS, 1, -1,
     prompt_look, NULL},
    {"drop", "", "forget the what-if", NULL, "D", FF_AT_PROMPT, 0, 0, prompt_job, NULL},
    {"equivalences", "[FILTER]...", "differences that cannot change a result", FILTERS, NULL, FF_AT_PROMPT | FF_LOOKS,
     0, -1, prompt_table, NULL},
    {"evaluate", "[REPAIR]", "judge a repair without taking it", NULL, "e", FF_AT_PROMPT, 0, 1, prompt_accept, NULL},
    {"explain", "[TYPE | CAUSE]", "a fault type or a cause in plain words: PP ID TSS WB LH CG",
     "A CAUSE is what a finding's line and the report name, as int8-per-tensor or pads-differ.", NULL,
     FF_AT_SHELL | FF_AT_PROMPT | FF_AT_ONCE, 0, 1, NULL, verb_explain},
    {"explore", CASE, "the explorer: look, step, undo, save (the default on a terminal)",
     "What -o, --json, --report and --labels-csv name is written when the explorer is left; the exit code\n"
     "says whether labels still differ. Without a terminal it does what `repair` does.",
     NULL, FF_AT_SHELL, 0, -1, NULL, verb_explore},
    {"export", "FILE [--script] [--force]", "write the accepted steps as a file for `fetafix apply`",
     "--script: as the commands that take them, for `fetafix script`. `goto` another state first to export that.", NULL,
     FF_AT_PROMPT, 1, 3, prompt_write, NULL},
    {"findings", "[FILTER]...", "what differs, and what became of it", FILTERS, NULL, FF_AT_PROMPT | FF_LOOKS, 0, -1,
     prompt_table, NULL, .also = "faults"},
    {"forbid", "SOURCE_NODE TARGET_NODE", "these two nodes are never a pair", NULL, NULL, FF_AT_PROMPT, 2, 2,
     prompt_pin, NULL},
    {"goto", "STATE", "go to a state of the history", NULL, NULL, FF_AT_PROMPT, 1, 1, prompt_move, NULL},
    {"help", "[TOPIC]", "what there is to type; `help views`: the tables and their columns", NULL, NULL,
     FF_AT_SHELL | FF_AT_PROMPT | FF_AT_ONCE, 0, 1, ff_prompt_help, ff_verb_help, .also = "? h"},
    {"hint", "", "a hint for the lesson; after the last one the answer", NULL, "H", FF_AT_PROMPT, 0, 0, prompt_hint,
     NULL},
    {"history", "[FILTER]...", "the history tree, and which state is present", FILTERS, NULL, FF_AT_PROMPT | FF_LOOKS,
     0, -1, prompt_table, NULL},
    {"images", "[FILTER]...", "the images and both labels", FILTERS, NULL, FF_AT_PROMPT | FF_LOOKS, 0, -1, prompt_table,
     NULL},
    {"inspect", "MODEL", "what is in a model", "--verbose lists every node with its attributes.", NULL,
     FF_AT_SHELL | FF_AT_PROMPT, 0, -1, prompt_errand, verb_inspect, .at_prompt = "[MODEL | NODE] [OPTION]..."},
    {"jobs", "[cancel JOB]", "what the engine does and what waits; cancel one", NULL, "J", FF_AT_PROMPT | FF_AT_ONCE, 0,
     2, prompt_jobs, NULL},
    {"keep", "", "make the what-if a step", NULL, "K", FF_AT_PROMPT, 0, 0, prompt_job, NULL},
    {"labels", "FILE [--force]", "write both models' five best classes of every image", NULL, NULL, FF_AT_PROMPT, 1, 2,
     prompt_labels, NULL},
    {"layer", "NUMBER | NODE", "all that is known of a core layer", "As: layer 12", NULL, FF_AT_PROMPT | FF_LOOKS, 1, 2,
     prompt_look, NULL},
    {"layers", "[FILTER]...", "scores of the core layers", FILTERS, NULL, FF_AT_PROMPT | FF_LOOKS, 0, -1, prompt_table,
     NULL},
    {"lesson", "", "the text of the lesson: what to look at, what is asked", NULL, NULL, FF_AT_PROMPT | FF_AT_ONCE, 0,
     0, prompt_lesson, NULL},
    {"localize", CASE, "find what differs, and where the error begins; nothing is changed",
     "Exit code 0: no label differs; 1: some do.", NULL, FF_AT_SHELL | FF_AT_PROMPT | FF_AT_TEAM, 0, 0, prompt_job,
     verb_localize, .also = "localise", .at_prompt = ""},
    {"log", "[FILTER]...", "recent notes of the engine", FILTERS, NULL, FF_AT_PROMPT | FF_LOOKS, 0, -1, prompt_table,
     NULL},
    {"matrix", "MODEL... --images DIR|LIST", "count the images whose labels differ, for every pair of models",
     "Each model labels the images once. MODEL@SPEC is a model with a preprocessing of its own; --report FILE.html writes\n"
     "a heat map. Exit code 0: no label differs; 1: some do.",
     NULL, FF_AT_SHELL | FF_AT_PROMPT, 0, -1, prompt_errand, verb_matrix, .at_prompt = "[MODEL MODEL...] [OPTION]..."},
    {"measure", "[causal]", "score the layers of the Target as it is now",
     "The scores that `layers` begins with are of the Target as it came. These stand beside them (isolated_now, ...)\n"
     "until the next step; `causal` takes longer: it puts the Source's activation in at each layer.",
     "m M", FF_AT_PROMPT, 0, 1, prompt_measure, NULL},
    {"nodes", "[FILTER]...", "the nodes of both files, as they were written", FILTERS, NULL, FF_AT_PROMPT | FF_LOOKS, 0,
     -1, prompt_table, NULL},
    {"pairs", "[FILTER]...", "the aligned graph: which node is which", FILTERS, NULL, FF_AT_PROMPT | FF_LOOKS, 0, -1,
     prompt_table, NULL},
    {"pin", "SOURCE_NODE TARGET_NODE", "these two nodes are a pair",
     "What differs is then looked for again. The choice belongs to the case: a session file keeps it.", NULL,
     FF_AT_PROMPT, 2, 2, prompt_pin, NULL},
    {"pins", "[FILTER]...", "pairs that were pinned or forbidden", FILTERS, NULL, FF_AT_PROMPT | FF_LOOKS, 0, -1,
     prompt_table, NULL},
    {"pre-into-graph", "", "write a repaired preprocessing into the graph, at the end", NULL, NULL, FF_AT_PROMPT, 0, 0,
     prompt_job, NULL},
    {"proposals", "[FILTER]...", "repairs to try, in order", FILTERS, NULL, FF_AT_PROMPT | FF_LOOKS, 0, -1,
     prompt_table, NULL, .also = "repairs"},
    {"query", "SQL", "SELECT from the views of the session (`help views`)",
     "Only SELECT is possible, nothing can be changed. `|` sends the rows to a command of the shell; to\n"
     "write them to a file, end the SQL: query select * from layers; > layers.txt\n"
     "From the shell: fetafix query SESSION SQL",
     NULL, FF_AT_SHELL | FF_AT_PROMPT | FF_TAKES_TEXT, 1, 1, prompt_query, verb_query},
    {"quit", "", "leave; a session with a file can be taken up again", NULL, "Q", FF_AT_PROMPT | FF_AT_ONCE, 0, 0,
     prompt_quit, NULL, .also = "q exit bye"},
    {"redo", "[STATE]", "take the undone step again (the youngest, or the one that leads to STATE)", NULL, "C-r",
     FF_AT_PROMPT, 0, 1, prompt_move, NULL},
    {"reject", "[REPAIR]", "set a repair aside (the next one)", NULL, "r", FF_AT_PROMPT, 0, 1, prompt_accept, NULL},
    {"repair", CASE " [-o OUT]", "repair to the end, keeping only what lowers the discrepancy",
     "Exit code 0: no label differs any more; 1: some do. A session file (--session) makes it safe to\n"
     "interrupt or kill: the same command goes on from there and ends in the same model.\n"
     "A cause that eight repairs or more share is tried as one step before they are tried one by one; not so with\n"
     "--strategy paper.\n"
     "Under mpirun the processes share the images; what is written is the same to the byte.",
     "A", FF_AT_SHELL | FF_AT_PROMPT | FF_AT_TEAM, 0, 0, prompt_job, verb_repair, .at_prompt = ""},
    {"repl", "[SOURCE TARGET --images DIR|LIST]", "type commands", NULL, NULL, FF_AT_SHELL, 0, -1, NULL, verb_repl},
    {"report", "[FILE] [--force]", "print or write the report: JSON, or a page where FILE is *.html", NULL, NULL,
     FF_AT_PROMPT, 0, 2, prompt_report, NULL},
    {"repro", "DIR [FINDING] [--force]", "write for each open fault the smallest part of the model that shows it",
     "A folder of DIR for each, in the layout of the ONNX backend tests: model.onnx, the Source's values in front of the\n"
     "fault as test_data_set_0/input_K.pb, and behind it as output_0.pb; repaired.onnx gives these. FINDING: this one only.",
     NULL, FF_AT_PROMPT, 1, 3, prompt_write, NULL},
    {"run", "MODEL --images DIR|LIST | --input NPY|NPZ", "labels and outputs of one model",
     "-o OUT writes the outputs as one NPY file.", NULL, FF_AT_SHELL | FF_AT_PROMPT, 0, -1, prompt_errand, verb_run,
     .at_prompt = "[MODEL] [OPTION]..."},
    {"save", "FILE [--force]", "write the Target as it is now", NULL, NULL, FF_AT_PROMPT, 1, 2, prompt_write, NULL,
     .also = "write"},
    {"script", "FILE [SOURCE TARGET --images DIR|LIST]", "commands from a file; - is standard input",
     "Stops at the first command that fails, and says in which line. A backslash at the end of a line\n"
     "goes on in the next.",
     NULL, FF_AT_SHELL | FF_AT_PROMPT, 1, -1, prompt_script, verb_script, .also = "source .", .at_prompt = "FILE"},
    {"set", "[SETTING [VALUE]]", "list all settings, show one, or change one of the prompt's",
     "format (text, json, csv), verbose and quiet are changed here; the others when the program starts.", NULL,
     FF_AT_PROMPT | FF_AT_ONCE, 0, 3, prompt_set, NULL},
    {"show", "[VIEW [FILTER]... | COMMAND...]", "the same as the words behind it; alone: what tables there are",
     "As: show findings, show layer 12", NULL, FF_AT_PROMPT | FF_LOOKS, 0, -1, ff_prompt_show, NULL, .also = "ls list"},
    {"split", "[GROUP]", "set a group aside for its single repairs, or take the last step's one by one",
     "A group takes all repairs of one cause at once. Without GROUP: the step that led to the present state is\n"
     "undone and its repairs are taken as steps of their own, so that each shows what it brings.",
     "S", FF_AT_PROMPT, 0, 1, prompt_accept, NULL},
    {"states", "[FILTER]...", "the history tree", FILTERS, NULL, FF_AT_PROMPT | FF_LOOKS, 0, -1, prompt_table, NULL},
    {"status", "", "where the case stands", NULL, NULL, FF_AT_PROMPT | FF_LOOKS, 0, 0, prompt_status, NULL,
     .also = "info summary"},
    {"step", "", "let the search find one repair that helps", NULL, "s", FF_AT_PROMPT, 0, 0, prompt_job, NULL},
    {"steps", "[FILTER]...", "all decisions, in order of time", FILTERS, NULL, FF_AT_PROMPT | FF_LOOKS, 0, -1,
     prompt_table, NULL},
    {"suspects", "[FILTER]...", "the layers, most suspicious first",
     "Ordered by `isolated` unless asked otherwise, as: suspects by causal top 5", NULL, FF_AT_PROMPT | FF_LOOKS, 0, -1,
     prompt_table, NULL},
    {"teach", "[LESSON]", "lessons on samples: find the fault, repair it; without a name the list", NULL, NULL,
     FF_AT_SHELL, 0, 1, NULL, verb_teach},
    {"undo", "", "go back to the state before the last step", NULL, "u", FF_AT_PROMPT, 0, 0, prompt_job, NULL},
    {"unpin", "SOURCE_NODE TARGET_NODE", "take back `pin` or `forbid`", NULL, NULL, FF_AT_PROMPT, 2, 2, prompt_pin,
     NULL},
    {"validate", "", "count wrong labels over the validation images",
     "Where it is given what is in an image, accuracy is counted too: a folder for each class (its name is the class), or\n"
     "the class behind each path of the LIST. A class is its number as the Source counts, or its name in --labels FILE.\n"
     "A repair that helps the images and harms these is pointed out, with the step that did most of it.",
     "v", FF_AT_PROMPT, 0, 0, prompt_job, NULL},
    {"weights", "NODE | layer NUMBER [worst [N]]", "how far the weights of a layer are apart",
     "As: weights layer 12 worst 10", NULL, FF_AT_PROMPT | FF_LOOKS, 1, 4, prompt_look, NULL},
    {"what-if", "[NODE NAME=VALUE | pre KEY=VALUE... | weights NODE | inject NODE]",
     "try an edit of one's own and count the wrong labels; without words: the present one",
     "NODE is a core layer (L12, or `layer 12`), a row of `pairs` (7, or `pair 7`) or a node's name. An\n"
     "attribute is set where the Target keeps it; `pre` changes the Target's preprocessing; `weights` takes\n"
     "the Source's weights; `inject` goes on with the Source's activation, which shows whether the cause lies\n"
     "before that node. `keep` makes the edit a step (better or not), `drop` forgets it, another replaces it.",
     "W I", FF_AT_PROMPT, 0, -1, prompt_what_if, NULL, .also = "whatif"},
    {"why", "image IMAGE", "why an image's labels differ, or what put them right",
     "IMAGE is a name, a part of it that only one image has, or a number.", NULL, FF_AT_PROMPT | FF_LOOKS, 1, 2,
     prompt_why, NULL},
    {NULL},
};
