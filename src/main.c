/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetafix/command.h"

int main(void)
{
    return 0;
}
