// Handles that free themselves, and failures as exceptions.
//     c++ -std=c++11 raii.cpp $(pkg-config --cflags --libs callbox)
#include <callbox.h>
#include <cstdint>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <vector>

template <class T, void (*free)(T *)> struct Free {
    void operator()(T *handle) const { free(handle); }
};
template <class T, void (*free)(T *)> using Handle = std::unique_ptr<T, Free<T, free>>;
using Sandbox = Handle<callbox_sandbox, callbox_sandbox_free>;
using Guest = Handle<callbox_guest, callbox_guest_free>;
using Callback = Handle<callbox_callback, callbox_callback_free>;

// Calls `make` with the arguments and a place for the handle.
template <class H, class Make, class... Args> H made(Make make, Args... args) {
    typename H::pointer handle = nullptr;
    if (make(args..., &handle) != CALLBOX_OK) throw std::runtime_error(callbox_last_error());
    return H(handle);
}

int main() {
    try {
        auto sandbox = made<Sandbox>(callbox_sandbox_new, nullptr);
        auto guest = made<Guest>(callbox_guest_bundled, sandbox.get(), "i64");
        const char *prototype = "int (const int64_t *, const int64_t *)";
        auto ascending = made<Callback>(callbox_callback_new, guest.get(), "compare_i64", prototype);

        std::vector<std::int64_t> values{5, 1, 7, 33, 99};
        const std::size_t count = values.size(), width = sizeof values[0];
        if (callbox_sort(ascending.get(), values.data(), count, width, CALLBOX_REVERSE) != CALLBOX_OK)
            throw std::runtime_error(callbox_last_error());
        for (auto value : values) std::cout << value << '\n';

        made<Guest>(callbox_guest_bundled, sandbox.get(), "i128");
    } catch (const std::runtime_error &error) {
        std::cout << error.what() << '\n';
    }
}
