/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FETAFIX_PROGRAM_STATUS_H
#define FETAFIX_PROGRAM_STATUS_H

#include "fetafix/command.h"

void say_validation(ff_context *c);

#endif
