/* The host's process: it forks, and it loads and unloads the library at will. */
#include "support.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <floe/floe.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_candidate(void *data, const floe_candidate *candidate)
{
    if (candidate == NULL) {
        atomic_store((atomic_bool *)data, true);
    }
}

/* The functions as they are loaded; those of this program are linked in. */
typedef struct functions {
    floe_error (*api_new)(const floe_settings *settings, floe_api **api);
    void (*api_free)(floe_api *api);
    floe_error (*gatherer_new)(floe_api *api, const floe_gather_options *options,
                               floe_gatherer **gatherer);
    floe_error (*on_local_candidate)(floe_gatherer *gatherer, floe_local_candidate_handler handler,
                                     void *user_data);
    floe_error (*gather)(floe_gatherer *gatherer);
    void (*gatherer_free)(floe_gatherer *gatherer);
} functions;

static const functions linked = {floe_api_new,         floe_api_free,
                                 floe_gatherer_new,    floe_gatherer_on_local_candidate,
                                 floe_gatherer_gather, floe_gatherer_free};

static bool gather_once(const functions *f, floe_api *given)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_api *api = given;
    floe_gatherer *gatherer;
    atomic_bool ended = false;

    settings.loopback = true;
    if ((given == NULL && f->api_new(&settings, &api) != FLOE_OK) ||
        f->gatherer_new(api, NULL, &gatherer) != FLOE_OK ||
        f->on_local_candidate(gatherer, on_candidate, &ended) != FLOE_OK ||
        f->gather(gatherer) != FLOE_OK) {
        return false;
    }
    for (int i = 0; i < 60000 && !atomic_load(&ended); i++) {
        (void)usleep(1000);
    }
    f->gatherer_free(gatherer);
    if (given == NULL) {
        f->api_free(api);
    }
    return atomic_load(&ended);
}

/* A child makes an api of its own, and leaves its parent's alone; the parent's goes on. */
static void a_child_gathers_by_itself(void **state)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_api *api;

    (void)state;
    settings.loopback = true;
    assert_int_equal(floe_api_new(&settings, &api), FLOE_OK);
    assert_true(gather_once(&linked, api));
    for (int i = 0; i < 20; i++) {
        int status = 1;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            _exit(gather_once(&linked, NULL) ? 0 : 1);
        }
        assert_true(gather_once(&linked, api)); /* meanwhile */
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    floe_api_free(api);
}

/* libuv ends a process in which it closes what has the number of a standard descriptor. */
static void a_program_without_standard_descriptors_gathers(void **state)
{
    int status = 1;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
            (void)close(fd);
        }
        bool gathered = gather_once(&linked, NULL);
        bool held = false; /* and leaves them as they were */
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
            held = held || fcntl(fd, F_GETFD) >= 0;
        }
        _exit(gathered && !held ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void load(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);

    assert_non_null(found);
    memcpy(function, &found, sizeof found);
}

static void loaded_and_unloaded_a_thousand_times(void **state)
{
    unsigned descriptors = 0;
    unsigned threads = 0;
    long pages[2] = {0};

    (void)state;
    for (int i = 0; i < 1000; i++) {
        functions f;
        void *library = dlopen(FLOE_LIBRARY, RTLD_NOW | RTLD_LOCAL);
        if (library == NULL) {
            fail_msg("%s", dlerror());
        }
        load(library, "floe_api_new", &f.api_new);
        load(library, "floe_api_free", &f.api_free);
        load(library, "floe_gatherer_new", &f.gatherer_new);
        load(library, "floe_gatherer_on_local_candidate", &f.on_local_candidate);
        load(library, "floe_gatherer_gather", &f.gather);
        load(library, "floe_gatherer_free", &f.gatherer_free);
        if (i % 10 == 0) {
            assert_true(gather_once(&f, NULL));
        }
        assert_int_equal(dlclose(library), 0);
        if (i == 100 || i == 999) {
            FILE *file = fopen("/proc/self/statm", "r");
            assert_non_null(file);
            assert_int_equal(fscanf(file, "%*d %ld", &pages[i == 999]), 1);
            (void)fclose(file);
        }
        if (i == 100) {
            descriptors = entries_of("/proc/self/fd");
            threads = entries_of("/proc/self/task");
        }
    }
    assert_int_equal(entries_of("/proc/self/fd"), descriptors);
    assert_threads(threads);
    assert_in_range(pages[1], 1, pages[0] + 512); /* 2 MB, in 900 times */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_gathers_by_itself),
        cmocka_unit_test(a_program_without_standard_descriptors_gathers),
        cmocka_unit_test(loaded_and_unloaded_a_thousand_times),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
