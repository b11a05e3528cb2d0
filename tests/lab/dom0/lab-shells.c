/*
 * lab-shells: creates and destroys empty, paused domains, for the lab.
 *
 *   lab-shells create N[@FIRST][:hvm|:pvh][:nameless][:vcpus=N][:name=NAME][:uuid=HEX][:nic][:disk=DEVICE]
 *   lab-shells destroy FIRST N
 *   lab-shells shutdown ID REASON
 *   lab-shells sethandle ID HEX
 *
 * Such a domain exists only in Xen and, unless nameless, in XenStore. It has no memory, only the vCPUs of the request,
 * and never runs. That is enough to test a monitor with a thousand domains, or with gaps in their IDs. A UUID is 32
 * hex digits; a reason is one of Xen's numbers (xen/sched.h). The last two work on any domain. A NIC and a disk on a block device of dom0 are made by
 * dom0's kernel as soon as their backends are in XenStore.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include <xenctrl.h>
#include <xenstore.h>

enum { MAX_MEMORY_KIB = 4096, NEXT_FREE = 0 };

struct request {
    unsigned long count;
    unsigned long first; /* domid, or NEXT_FREE */
    bool hvm;
    bool pvh;
    bool nameless;
    uint32_t vcpus;
    const char *name; /* NULL for shell-DOMID */
    const char *uuid; /* NULL for a random one */
    bool nic;
    const char *disk; /* NULL for none */
};

static int fail(const char *what, unsigned long domid)
{
    fprintf(stderr, "lab-shells: domain %lu: %s: %s\n", domid, what, strerror(errno));
    return 1;
}

static int usage(void)
{
    fputs("usage: lab-shells create N[@FIRST][:hvm|:pvh][:nameless][:vcpus=N][:name=NAME][:uuid=HEX][:nic][:disk=DEVICE]\n"
          "       lab-shells destroy FIRST N\n"
          "       lab-shells shutdown ID REASON\n"
          "       lab-shells sethandle ID HEX\n", stderr);
    return 2;
}

static bool is_handle(const char *hex)
{
    return strlen(hex) == 2 * sizeof(xen_domain_handle_t) && strspn(hex, "0123456789abcdef") == strlen(hex);
}

static bool parse_request(char *text, struct request *request)
{
    char *end;

    request->count = strtoul(text, &end, 10);
    if (*end == '@')
        request->first = strtoul(end + 1, &end, 10);
    if (request->count == 0 || (*end != '\0' && *end != ':'))
        return false;
    for (char *word = strtok(end, ":"); word; word = strtok(NULL, ":")) {
        if (strcmp(word, "hvm") == 0)
            request->hvm = true;
        else if (strcmp(word, "pvh") == 0)
            request->pvh = true;
        else if (strcmp(word, "nameless") == 0)
            request->nameless = true;
        else if (strncmp(word, "vcpus=", 6) == 0)
            request->vcpus = (uint32_t)strtoul(word + 6, NULL, 10);
        else if (strncmp(word, "name=", 5) == 0)
            request->name = word + 5;
        else if (strncmp(word, "uuid=", 5) == 0 && is_handle(word + 5))
            request->uuid = word + 5;
        else if (strcmp(word, "nic") == 0)
            request->nic = true;
        else if (strncmp(word, "disk=", 5) == 0)
            request->disk = word + 5;
        else
            return false;
    }
    return true;
}

/* Sets a random UUID (version 4) that no other domain of this boot has. */
static void make_handle(xen_domain_handle_t handle, unsigned long salt)
{
    static unsigned long state;

    if (state == 0) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        state = (unsigned long)now.tv_sec * 1000000000UL + (unsigned long)now.tv_nsec;
    }
    state += salt;
    for (size_t i = 0; i < sizeof(xen_domain_handle_t); i++) {
        state = state * 6364136223846793005UL + 1442695040888963407UL;
        handle[i] = (uint8_t)(state >> 56);
    }
    handle[6] = (handle[6] & 0x0f) | 0x40;
    handle[8] = (handle[8] & 0x3f) | 0x80;
}

static void parse_handle(xen_domain_handle_t handle, const char *hex)
{
    for (size_t i = 0; i < sizeof(xen_domain_handle_t); i++) {
        const char byte[3] = { hex[2 * i], hex[2 * i + 1] };
        handle[i] = (uint8_t)strtoul(byte, NULL, 16);
    }
}

static bool put(struct xs_handle *xs, const char *folder, const char *key, const char *value)
{
    char path[96];

    snprintf(path, sizeof path, "%s/%s", folder, key);
    return xs_write(xs, XBT_NULL, path, value, (unsigned)strlen(value));
}

/* Writes the backend and the frontend of a device, as libxl does. */
static bool add_device(struct xs_handle *xs, const char *kind, uint32_t domid, const char *id,
                       const char *key, const char *value)
{
    char back[64], front[64], owner[16];

    snprintf(back, sizeof back, "/local/domain/0/backend/%s/%u/%s", kind, domid, id);
    snprintf(front, sizeof front, "/local/domain/%u/device/%s/%s", domid, kind, id);
    snprintf(owner, sizeof owner, "%u", domid);
    return put(xs, front, "backend", back) && put(xs, front, "backend-id", "0") && put(xs, front, "state", "1")
        && put(xs, back, "frontend", front) && put(xs, back, "frontend-id", owner) && put(xs, back, "online", "1")
        && put(xs, back, "handle", id) && put(xs, back, "mode", "r") && put(xs, back, "script", "none")
        && put(xs, back, key, value)
        && put(xs, back, "state", "1");
}

static bool add_disk(struct xs_handle *xs, uint32_t domid, const char *device)
{
    struct stat about;
    char number[32];

    if (stat(device, &about))
        return false;
    snprintf(number, sizeof number, "%x:%x", major(about.st_rdev), minor(about.st_rdev));
    return add_device(xs, "vbd", domid, "51712", "physical-device", number);
}

static bool remove_devices(struct xs_handle *xs, unsigned long domid)
{
    const char *kinds[] = { "vif", "vbd" };
    char path[64];

    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/local/domain/0/backend/%s/%lu", kinds[i], domid);
        if (!xs_rm(xs, XBT_NULL, path) && errno != ENOENT)
            return false;
    }
    return true;
}

static int create_one(xc_interface *xc, struct xs_handle *xs, const struct request *request, unsigned long place)
{
    uint32_t domid = request->first == NEXT_FREE ? 0 : (uint32_t)(request->first + place);
    struct xen_domctl_createdomain config = {
        .max_vcpus = request->vcpus ? request->vcpus : 1,
        .max_evtchn_port = 7,
        .max_grant_frames = 1,
        .max_maptrack_frames = 0,
        .grant_opts = XEN_DOMCTL_GRANT_version(1),
    };
    char path[64], name[64];

    make_handle(config.handle, place + 1);
    if (request->uuid)
        parse_handle(config.handle, request->uuid);
    if (request->hvm || request->pvh) {
        config.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
        /* As in ordinary guests: monitors distinguish HVM from PVH by this. */
        config.arch.emulation_flags =
            request->hvm ? XEN_X86_EMU_ALL & ~XEN_X86_EMU_VPCI : XEN_X86_EMU_LAPIC;
    }
    if (xc_domain_create(xc, &domid, &config))
        return fail("cannot be created", domid);
    if (xc_domain_setmaxmem(xc, domid, MAX_MEMORY_KIB))
        return fail("cannot have its memory limited", domid);
    if (request->vcpus && xc_domain_max_vcpus(xc, domid, request->vcpus))
        return fail("cannot have its vCPUs", domid);
    if (request->nameless)
        return 0;

    snprintf(path, sizeof path, "/local/domain/%u/name", domid);
    if (!request->name)
        snprintf(name, sizeof name, "shell-%u", domid);
    const char *value = request->name ? request->name : name;
    if (!xs_write(xs, XBT_NULL, path, value, (unsigned)strlen(value)))
        return fail("cannot be named", domid);
    if (request->nic && !add_device(xs, "vif", domid, "0", "mac", "00:16:3e:4c:ff:00"))
        return fail("cannot have a NIC", domid);
    if (request->disk && !add_disk(xs, domid, request->disk))
        return fail("cannot have a disk", domid);
    return 0;
}

static int destroy_one(xc_interface *xc, struct xs_handle *xs, unsigned long domid)
{
    char path[64];

    if (xc_domain_destroy(xc, (uint32_t)domid))
        return fail("cannot be destroyed", domid);
    if (!remove_devices(xs, domid))
        return fail("cannot lose its devices", domid);
    snprintf(path, sizeof path, "/local/domain/%lu", domid);
    /* A nameless domain has no entry. */
    if (!xs_rm(xs, XBT_NULL, path) && errno != ENOENT)
        return fail("cannot be removed from XenStore", domid);
    return 0;
}

int main(int argc, char **argv)
{
    struct request request = { .first = NEXT_FREE };
    bool create = argc == 3 && strcmp(argv[1], "create") == 0;
    bool destroy = argc == 4 && strcmp(argv[1], "destroy") == 0;
    bool shutdown = argc == 4 && strcmp(argv[1], "shutdown") == 0;
    bool sethandle = argc == 4 && strcmp(argv[1], "sethandle") == 0 && is_handle(argv[3]);
    int result = 0;

    if (create && !parse_request(argv[2], &request))
        return usage();
    if (destroy) {
        request.first = strtoul(argv[2], NULL, 10);
        request.count = strtoul(argv[3], NULL, 10);
    }
    if (!shutdown && !sethandle && ((!create && !destroy) || request.count == 0))
        return usage();

    xc_interface *xc = xc_interface_open(NULL, NULL, 0);
    struct xs_handle *xs = xs_open(0);
    if (!xc || !xs) {
        fprintf(stderr, "lab-shells: cannot open %s: %s\n", xc ? "XenStore" : "the hypervisor", strerror(errno));
        return 1;
    }
    if (shutdown) {
        unsigned long domid = strtoul(argv[2], NULL, 10);
        if (xc_domain_shutdown(xc, (uint32_t)domid, (int)strtoul(argv[3], NULL, 10)))
            result = fail("cannot be shut down", domid);
    }
    if (sethandle) {
        unsigned long domid = strtoul(argv[2], NULL, 10);
        xen_domain_handle_t handle;
        parse_handle(handle, argv[3]);
        if (xc_domain_sethandle(xc, (uint32_t)domid, handle))
            result = fail("cannot have another handle", domid);
    }
    for (unsigned long i = 0; i < request.count && result == 0; i++)
        result = create ? create_one(xc, xs, &request, i) : destroy_one(xc, xs, request.first + i);
    xs_close(xs);
    xc_interface_close(xc);
    return result;
}
