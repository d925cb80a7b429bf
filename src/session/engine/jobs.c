/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetafix/session.h"

const char *ff_job_name(ff_job_kind k)
{
    static const char *const names[FF_JOB_KINDS] = {
        [FF_JOB_LOAD] = "loading",
        [FF_JOB_LOCALIZE] = "comparing",
        [FF_JOB_EVALUATE] = "judging a repair",
        [FF_JOB_ACCEPT] = "taking a repair",
        [FF_JOB_REJECT] = "setting aside",
        [FF_JOB_UNDO] = "undoing",
        [FF_JOB_REDO] = "redoing",
        [FF_JOB_GOTO] = "going there",
        [FF_JOB_STEP] = "searching a repair",
        [FF_JOB_REPAIR] = "repairing",
        [FF_JOB_SAVE] = "writing",
        [FF_JOB_DETAIL] = "reading details",
        [FF_JOB_VALIDATE] = "validating",
        [FF_JOB_EXPORT] = "exporting",
        [FF_JOB_SPLIT] = "splitting",
        [FF_JOB_EXPORT_SCRIPT] = "exporting",
        [FF_JOB_COMPARE] = "comparing states",
        [FF_JOB_PIN] = "pairing",
        [FF_JOB_FORBID] = "pairing",
        [FF_JOB_UNPIN] = "pairing",
        [FF_JOB_REPRO] = "writing faults",
        [FF_JOB_PRE_INTO_GRAPH] = "writing the preprocessing",
        [FF_JOB_WHAT_IF] = "trying an edit",
        [FF_JOB_KEEP] = "keeping an edit",
        [FF_JOB_DROP] = "dropping an edit",
        [FF_JOB_MEASURE] = "scoring the layers",
        [FF_JOB_BISECT] = "bisecting",
        [FF_JOB_ERRAND] = "asking models",
        [FF_JOB_PICTURE] = "drawing an image",
    };
    return (int)k >= 0 && k < FF_JOB_KINDS && names[k] ? names[k] : "working";
}
