@main
struct Vision {
    static func main() {}
}
