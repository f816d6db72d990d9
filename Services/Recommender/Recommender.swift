@main
struct Recommender {
    static func main() {}
}
