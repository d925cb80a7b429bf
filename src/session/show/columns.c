/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The columns of a snapshot's tables: what help, the manual and SQL say about them comes from here. */
#include <assert.h>
#include <string.h>

#include "session/case/case.h"

static const ff_column nodes[] = {
    {"pair", FF_COL_INT, "row of the aligned graph"},
    {"side", FF_COL_TEXT, "source or target"},
    {"node", FF_COL_TEXT, "name of the node; its output where it has none"},
    {"op", FF_COL_TEXT, "operator as it is in the model"},
    {"role", FF_COL_TEXT, "primary, or absorbed in the row's operator"},
    {"layer", FF_COL_INT, "number of the core layer"},
    {"status", FF_COL_TEXT, "equal, equivalent, different, source-only or target-only"},
    {"summary", FF_COL_TEXT, "the row's operator in short"},
    {"note", FF_COL_TEXT, "what differs, or which rule makes them equal"},
};

static const ff_column pairs[] = {
    {"pair", FF_COL_INT, "row of the aligned graph"},
    {"source", FF_COL_TEXT, "node of the Source; empty: missing"},
    {"target", FF_COL_TEXT, "node of the Target; empty: missing"},
    {"op", FF_COL_TEXT, "canonical operator"},
    {"source_summary", FF_COL_TEXT, "the Source's node in short"},
    {"target_summary", FF_COL_TEXT, "the Target's node in short"},
    {"status", FF_COL_TEXT, "equal, equivalent, different, source-only or target-only"},
    {"note", FF_COL_TEXT, "what differs, or which rule makes them equal"},
    {"layer", FF_COL_INT, "number of the core layer"},
    {"depth", FF_COL_INT, "column of the branch, 0 the main one"},
    {"confidence", FF_COL_REAL, "of the pairing, 0 to 1"},
    {"findings", FF_COL_INT, "faults found here"},
    {"source_inputs", FF_COL_TEXT, "rows it reads"},
    {"error", FF_COL_REAL, "relative error of the output"},
    {"isolated", FF_COL_REAL, "relative error made by this layer alone"},
    {"reason", FF_COL_TEXT, "why they are a pair"},
};

static const ff_column layers[] = {
    {"layer", FF_COL_INT, "number, from 1 along the network"},
    {"pair", FF_COL_INT, "row of the aligned graph"},
    {"source", FF_COL_TEXT, "node of the Source"},
    {"target", FF_COL_TEXT, "node of the Target"},
    {"rank", FF_COL_INT, "1: most suspicious"},
    {"kw", FF_COL_REAL, "share of elements that Kruskal-Wallis flags beyond chance"},
    {"effect", FF_COL_REAL, "mean effect size"},
    {"entire", FF_COL_REAL, "relative error of the output"},
    {"isolated", FF_COL_REAL, "the same, fed with the Source's activations"},
    {"causal", FF_COL_REAL, "share of wrong images put right by the Source's activation here"},
    {"entire_now", FF_COL_REAL, "`entire` of the Target as it is now, after `measure`"},
    {"isolated_now", FF_COL_REAL, "`isolated` of the Target as it is now, after `measure`"},
    {"causal_now", FF_COL_REAL, "`causal` of the Target as it is now, after `measure causal`"},
    {"kw_now", FF_COL_REAL, "`kw` of the Target as it is now, after `measure`"},
    {"note", FF_COL_TEXT, "why it could not be compared"},
    {"own_dims", FF_COL_BOOL, "it is this layer that makes other dims"},
};

static const ff_column findings[] = {
    {"id", FF_COL_TEXT, "name of the finding, the same wherever it is seen"},
    {"type", FF_COL_TEXT, "fault type: PP ID TSS WB LH CG"},
    {"cause", FF_COL_TEXT, "short name of the cause"},
    {"summary", FF_COL_TEXT, "what differs, in one line"},
    {"explanation", FF_COL_TEXT, "what is wrong, why, and what the repair does"},
    {"status", FF_COL_TEXT, "open, repaired, ineffective or undone"},
    {"essential", FF_COL_BOOL, "the labels would be worse without its repair"},
    {"pair", FF_COL_INT, "row of the aligned graph"},
    {"layer", FF_COL_INT, "number of the core layer"},
    {"source_nodes", FF_COL_TEXT, "labels of the Source's nodes, a line each"},
    {"target_nodes", FF_COL_TEXT, "labels of the Target's nodes, a line each"},
    {"details", FF_COL_TEXT, "the differing values, as JSON"},
    {"step", FF_COL_INT, "step that repaired it"},
    {"before", FF_COL_INT, "wrong labels before that step, or before the trial"},
    {"after", FF_COL_INT, "wrong labels after it"},
    {"magnitude", FF_COL_REAL, "how large the difference is"},
    {"brief", FF_COL_TEXT, "what differs, in a few words"},
};

static const ff_column proposals[] = {
    {"id", FF_COL_TEXT, "name of the repair"},
    {"type", FF_COL_TEXT, "fault type of its first finding"},
    {"summary", FF_COL_TEXT, "what it does, in one line"},
    {"findings", FF_COL_TEXT, "ids of the findings it repairs, a line each"},
    {"patch", FF_COL_TEXT, "its edits in words, a line each"},
    {"members", FF_COL_INT, "repairs that a group takes as one step; empty for a single one"},
    {"status", FF_COL_TEXT, "untried, evaluated or rejected"},
    {"verdict", FF_COL_TEXT, "better, same, worse or broken; why"},
    {"wrong", FF_COL_INT, "wrong labels after it; a lower bound where it is not complete"},
    {"complete", FF_COL_BOOL, "every image was run"},
    {"fixed", FF_COL_INT, "images put right, of those run"},
    {"broken", FF_COL_INT, "images made wrong, of those run"},
    {"pair", FF_COL_INT, "row of the aligned graph"},
    {"puts_right", FF_COL_TEXT, "images it would put right, by number; empty: not run over every image"},
    {"makes_wrong", FF_COL_TEXT, "images it would make wrong"},
    {"number", FF_COL_INT, "place in the order in which they are tried, from 1: `accept 1`"},
};

static const ff_column states[] = {
    {"state", FF_COL_INT, "number; 0 is the Target as it came"},
    {"parent", FF_COL_INT, "state it was made from"},
    {"wrong", FF_COL_INT, "images whose labels differ"},
    {"distance", FF_COL_REAL, "mean relative distance of the outputs"},
    {"step", FF_COL_INT, "accepted steps since state 0"},
    {"summary", FF_COL_TEXT, "the step that made it"},
    {"current", FF_COL_BOOL, "the present state"},
    {"model", FF_COL_TEXT, "SHA-256 of the model"},
};

static const ff_column steps[] = {
    {"decision", FF_COL_INT, "number, in order of time"},
    {"step", FF_COL_INT, "of the state it led to"},
    {"state", FF_COL_INT, "state it led to"},
    {"proposal", FF_COL_TEXT, "repairs that were tried, a line each"},
    {"type", FF_COL_TEXT, "fault type"},
    {"summary", FF_COL_TEXT, "what was tried"},
    {"outcome", FF_COL_TEXT, "accepted, rejected, broken, undone, redone, went or essential"},
    {"before", FF_COL_INT, "wrong labels before"},
    {"after", FF_COL_INT, "wrong labels after; empty: not counted to the end"},
    {"phase", FF_COL_TEXT, "of the search; empty: by hand"},
    {"findings", FF_COL_TEXT, "ids of the findings, a line each"},
};

static const ff_column images[] = {
    {"image", FF_COL_INT, "number, from 0"},
    {"name", FF_COL_TEXT, "file name"},
    {"source", FF_COL_INT, "the Source's class"},
    {"target", FF_COL_INT, "the Target's class now"},
    {"initial", FF_COL_INT, "the Target's class at first"},
    {"source_name", FF_COL_TEXT, "name of the Source's class"},
    {"target_name", FF_COL_TEXT, "name of the Target's class"},
    {"source_margin", FF_COL_REAL, "first minus second value of the Source's output"},
    {"target_margin", FF_COL_REAL, "first minus second value of the Target's output"},
    {"wrong", FF_COL_BOOL, "the classes differ"},
    {"fixed_by", FF_COL_INT, "step that put it right"},
    {"top_source", FF_COL_TEXT, "the Source's five best classes"},
    {"top_target", FF_COL_TEXT, "the Target's five best classes now"},
    {"initial_name", FF_COL_TEXT, "name of the Target's class at first"},
    {"score", FF_COL_REAL, "the comparator's number; empty where labels decide"},
};

static const ff_column equivalences[] = {
    {"rule", FF_COL_TEXT, "short name of the rule"},
    {"meaning", FF_COL_TEXT, "the rule in words"},
    {"source_nodes", FF_COL_TEXT, "labels of the Source's nodes, a line each"},
    {"target_nodes", FF_COL_TEXT, "labels of the Target's nodes, a line each"},
    {"deviation", FF_COL_REAL, "largest relative change of a number; 0: exact"},
};

static const ff_column log_lines[] = {
    {"line", FF_COL_TEXT, "a note of the engine"},
};

static const ff_column pins[] = {
    {"source", FF_COL_TEXT, "node of the Source"},
    {"target", FF_COL_TEXT, "node of the Target"},
    {"word", FF_COL_TEXT, "pin: they are a pair; forbid: they never are"},
};

#define TABLE(name, columns)                                                                                           \
    {                                                                                                                  \
        name, columns, FF_COUNT(columns)                                                                               \
    }
static const struct {
    const char *name;
    const ff_column *columns;
    int count;
} tables[] = {
    TABLE("nodes", nodes),       TABLE("pairs", pairs),         TABLE("layers", layers),
    TABLE("findings", findings), TABLE("proposals", proposals), TABLE("states", states),
    TABLE("steps", steps),       TABLE("images", images),       TABLE("equivalences", equivalences),
    TABLE("log", log_lines),     TABLE("pins", pins),
};

const ff_column *ff_session_columns(const char *table, int *n)
{
    for (size_t i = 0; i < FF_COUNT(tables); i++) {
        if (strcmp(tables[i].name, table) == 0) {
            *n = tables[i].count;
            return tables[i].columns;
        }
    }
    return NULL;
}

ff_table *case_table(const char *name)
{
    int n = 0;
    const ff_column *columns = ff_session_columns(name, &n);
    assert(columns);
    return ff_table_create(name, columns, n);
}
