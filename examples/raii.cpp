// floe in C++17, with a short RAII wrapper: raii URL [USERNAME CREDENTIAL]
#include <floe/floe.h>
#include <cstdio>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace floe {

inline void check(floe_error error)
{
    if (error != FLOE_OK) {
        throw std::runtime_error(floe_last_error());
    }
}
inline std::string to_string(const floe_candidate &candidate)
{
    char text[FLOE_CANDIDATE_TEXT_SIZE];
    check(floe_candidate_format(&candidate, text, sizeof text));
    return text;
}

class api {
public:
    explicit api(const floe_settings *settings = nullptr)
    {
        floe_api *made;
        check(floe_api_new(settings, &made));
        handle.reset(made);
    }
    floe_api *get() const { return handle.get(); }
private:
    struct free {
        void operator()(floe_api *freed) const { floe_api_free(freed); }
    };
    std::unique_ptr<floe_api, free> handle;
};

// Not copied or moved, as the library keeps its address. Freeing waits for a running callback.
class gatherer {
public:
    std::function<void(const floe_candidate *)> on_candidate;

    gatherer(const api &with, const std::vector<const char *> &urls, const char *username = nullptr,
             const char *credential = nullptr)
    {
        floe_ice_server server = FLOE_ICE_SERVER_INIT;
        floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
        floe_gatherer *made;
        server.urls = urls.data();
        server.url_count = urls.size();
        server.username = username;
        server.credential = credential;
        options.ice_servers = &server;
        options.ice_server_count = urls.empty() ? 0 : 1;
        check(floe_gatherer_new(with.get(), &options, &made));
        handle.reset(made);
        check(floe_gatherer_on_local_candidate(made, call, this));
    }
    gatherer(const gatherer &) = delete;
    gatherer &operator=(const gatherer &) = delete;

    void gather() { check(floe_gatherer_gather(handle.get())); }

private:
    struct free {
        void operator()(floe_gatherer *freed) const { floe_gatherer_free(freed); }
    };
    static void call(void *self, const floe_candidate *candidate)
    {
        static_cast<gatherer *>(self)->on_candidate(candidate);
    }
    std::unique_ptr<floe_gatherer, free> handle;
};

} // namespace floe

int main(int count, char **words)
try {
    std::promise<void> complete;
    floe::api api;
    floe::gatherer gatherer(api, {count > 1 ? words[1] : "stun:stun.example.org"},
                            count > 2 ? words[2] : nullptr, count > 3 ? words[3] : nullptr);
    gatherer.on_candidate = [&](const floe_candidate *candidate) {
        if (candidate != nullptr) {
            std::puts(floe::to_string(*candidate).c_str());
        } else {
            complete.set_value();
        }
    };
    gatherer.gather();
    complete.get_future().wait();
} catch (const std::exception &error) {
    std::fprintf(stderr, "raii: %s\n", error.what());
    return 1;
}
