/* Looks up the .local names on its command line, all at once, by multicast DNS. Browsers put such
 * names into their candidates. Prints "NAME ADDRESS…", or the reason why a name was not found. */
#include <floe/floe.h>
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int waiting;
static int failed;

static void on_result(void *user_data, const floe_look_up_result *result)
{
    (void)user_data;
    (void)pthread_mutex_lock(&lock);
    (void)printf("%s", result->name);
    for (size_t i = 0; i < result->address_count; i++) {
        char text[FLOE_ADDRESS_TEXT_SIZE];
        (void)floe_address_format(&result->addresses[i], text, sizeof text);
        (void)printf(" %s", text);
    }
    if (result->error != FLOE_OK) {
        (void)printf(": %s", floe_error_string(result->error));
        failed++;
    }
    (void)printf("\n");
    waiting--;
    (void)pthread_cond_signal(&changed);
    (void)pthread_mutex_unlock(&lock);
}

int main(int count, char **names)
{
    floe_api *api;

    if (floe_api_new(NULL, &api) != FLOE_OK) {
        (void)fprintf(stderr, "%s\n", floe_last_error());
        return 1;
    }
    (void)pthread_mutex_lock(&lock);
    for (int i = 1; i < count; i++) {
        if (floe_api_look_up(api, names[i], 3000, on_result, NULL) != FLOE_OK) {
            (void)fprintf(stderr, "%s\n", floe_last_error());
            failed++;
        } else {
            waiting++;
        }
    }
    while (waiting > 0) {
        (void)pthread_cond_wait(&changed, &lock);
    }
    (void)pthread_mutex_unlock(&lock);
    floe_api_free(api);
    return failed > 0;
}
