/*
 * detect.h - whether KVM and WHP can work on a host, as functions over facts.
 *
 * A back end's probe asks its operating system for facts, in order, and stops where a later question makes no
 * sense; what follows from them, in words, is decided here, on every build. So `hypervisor doctor` can
 * say of a back end that a build lacks why, and a unit test can be any host.
 */
#ifndef ACCEL_DETECT_H
#define ACCEL_DETECT_H

#include <stdint.h>

#include "base/diagnosis.h"

/* What is known without any back end. */
struct detect_host {
    const char *name; /* for people: "Linux x86_64", "Windows ARM64 10.0.26100" */
    bool linux_os, windows;
    bool arm64;   /* the processor of the host  */
    bool program; /* this program is for ARM64  */
};

/* ---- KVM ------------------------------------------------------------------------------------- */

enum kvm_node { KVM_NODE_OPEN, KVM_NODE_ABSENT, KVM_NODE_DENIED, KVM_NODE_FAILED };
enum kvm_yes_no { KVM_UNKNOWN, KVM_NO, KVM_YES };
enum kvm_mode { KVM_MODE_UNKNOWN, KVM_MODE_NVHE, KVM_MODE_VHE, KVM_MODE_PROTECTED };

struct kvm_facts {
    struct detect_host host;
    bool built; /* this build has the back end */
    /* What /proc and /sys say, for when the device does not open. */
    enum kvm_node node;         /* of /dev/kvm                                    */
    char node_error[80];        /* KVM_NODE_FAILED: the system's words            */
    char group[64];             /* that may open it; empty: not known, or it may not either */
    enum kvm_yes_no member;     /* the user is in it, but this session began before */
    enum kvm_yes_no in_kernel;  /* CONFIG_KVM                                     */
    enum kvm_yes_no registered; /* KVM started: only the node in /dev is missing  */
    bool root;                  /* denied, and the user is root                   */
    bool switched_off;          /* kvm-arm.mode=none on the kernel's command line */
    bool container;             /* this is one: devices come from outside         */
    enum kvm_mode mode;
    /* What the device says; each is asked only if those before it went well. */
    int api, api_wanted;
    const char *failed_call; /* the first that failed on the way to a vCPU; NULL: none */
    char failed_error[80];
    bool no_memory;     /* it failed for want of memory */
    char missing[160];  /* capabilities that must be there and are not, ", " between them */
    char old_linux[16]; /* the Linux that brought the last of them */
    bool gicv2, gicv3, its;
    bool nisv, ext_abort, smccc_filter, irqfd, guest_debug;
    bool pmu, sve, pauth, nested, steal_time; /* for guests */
};

void kvm_detect(const struct kvm_facts *facts, struct diagnosis *d);

/* ---- WHP ------------------------------------------------------------------------------------- */

#define WHP_BUILD    26100 /* Windows 11 24H2, the first whose ARM64 interface is final: ... */
#define WHP_REVISION 3915  /* ... from this update on */

struct whp_facts {
    struct detect_host host;
    bool built;               /* this build has the back end */
    uint32_t build, revision; /* of Windows; 0: not known */
    /* In the order of asking; each only if those before it went well. */
    bool dll_found;             /* WinHvPlatform.dll is in System32                  */
    uint32_t load_error;        /* of loading it, a Win32 error; 0: loaded           */
    const char *missing_export; /* the first function that it must have and has not  */
    uint32_t present_hr;        /* WHvGetCapability(HypervisorPresent): HRESULT      */
    bool present;               /* and what it said                                  */
    uint32_t features_hr;       /* WHvGetCapability(Features)                        */
    bool arm64_support;         /* its bit 11                                        */
    const char *failed_call;    /* of a trial (WHvCreatePartition ...); NULL: none   */
    uint32_t failed_hr;
};

void whp_detect(const struct whp_facts *facts, struct diagnosis *d);
/* A finding about a call of the platform that failed with an HRESULT. */
void whp_detect_call(const char *call, uint32_t hr, struct diagnosis *d);

#endif
