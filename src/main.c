/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetafix/command.h"

#include "../ui/explore.h"

int main(int argc, char **argv)
{
    return ff_main(argc, argv, ff_explore);
}
