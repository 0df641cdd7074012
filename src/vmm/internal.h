/*
 * internal.h - what the files of vmm share with one another only.
 */
#ifndef VMM_INTERNAL_H
#define VMM_INTERNAL_H

#include "hypervisor.h"

/* ---- config.c -------------------------------------------------------------------------------- */

/* The member of a row: uint64_t, char * or struct hv_list, as its kind says. */
void *config_member(struct hv_config *config, const struct hv_option *option);
const void *config_member_const(const struct hv_config *config, const struct hv_option *option);
/* to: any content; on error it holds nothing. */
enum status config_copy(struct hv_config *to, const struct hv_config *from, struct err *err);
/* 2 or 3 */
unsigned config_gic_version(const struct hv_config *config);
/* Nothing to run was given: it is the built-in guest. */
bool config_is_builtin(const struct hv_config *config);

#endif
