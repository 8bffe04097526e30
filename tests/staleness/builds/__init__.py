"""The application of the request, built in many ways, most of them sick."""
