/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetafix/command.h"

int main(int argc, char **argv)
{
    return ff_main(argc, argv, NULL);
}
