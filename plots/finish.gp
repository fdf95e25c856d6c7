# SPDX-License-Identifier: GPL-2.0-or-later
unset output
system("rm -f ".data)
