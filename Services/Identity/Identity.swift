@main
struct Identity {
    static func main() {}
}
