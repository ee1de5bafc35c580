"""A run as one HTML page that is attached as it is: no script, no request, pictures inside."""
